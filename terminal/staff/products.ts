import { Argument, type Command, InvalidArgumentError, Option } from 'commander'
import { z } from 'zod'
import type { Ore } from '../../shared/money.ts'
import {
  CategoryCall,
  CopyAnswer,
  CopyCall,
  PriceCall,
  Product,
  ProductCall,
  ProductCategory,
} from '../../shared/office/products.ts'
import { Day } from '../../shared/office/reports.ts'
import { command, group, idArgument, kronerArgument } from './command.ts'
import { change, type Desk, read, told } from './desk.ts'
import { amount, amountCell, counted, plain, table } from './output.ts'
import { productSheetCommands } from './product-sheets.ts'

const CATEGORIES = ProductCategory.options
const Products = z.object({ products: z.array(Product) })

/** `klubkort product …`: what is sold at a site. */
export function productCommands(klubkort: Command, desk: Desk) {
  const product = group(klubkort, 'product', 'what is sold at a site', 'klubkort product list --site 1')

  command(
    product,
    'add',
    'put a product on sale at a site',
    'klubkort product add --site 1 --name Toast --price 15,00 --category food',
  )
    .requiredOption('--site <id>', 'the site', idArgument)
    .requiredOption('--name <name>', 'its name on the till, at most 40 characters')
    .requiredOption('--price <kroner>', 'its price', kronerArgument)
    .addOption(new Option('--category <category>', 'what kind of thing it is').choices(CATEGORIES).default('other'))
    .action(async (form: { site: number; name: string; price: Ore; category: string }) => {
      const { site, name, price, category } = form
      const added = await change(desk, '/products', ProductCall, { site, name, price, category }, Product)
      desk.deliver(told(added, ({ id, name, price }) => `Product ${id} added: ${plain(name)}, ${amount(price)} kr`))
    })

  command(product, 'list', 'list products', 'klubkort product list', 'klubkort product list --site 1')
    .option('--site <id>', 'only those of this site', idArgument)
    .action(async ({ site }: { site?: number }) => {
      const listed = await read(desk, site === undefined ? '/products' : `/products?site=${site}`, Products)
      desk.deliver(
        told(listed, ({ products }) =>
          table(
            products,
            [
              { head: 'ID', cell: ({ id }) => id, align: 'right' },
              { head: 'SITE', cell: ({ site }) => site, align: 'right' },
              { head: 'NAME', cell: ({ name }) => name, flexible: true },
              { head: 'CATEGORY', cell: ({ category }) => category },
              { head: 'PRICE', cell: ({ price }) => amount(price), align: 'right' },
              { head: 'FROM', cell: ({ later: [next] }) => (next ? `${next.from} ${amount(next.price)}` : '') },
            ],
            'No products.',
          ),
        ),
      )
    })

  command(
    product,
    'price',
    'change a price, now or from a day on; sales made before keep theirs',
    'klubkort product price 4 16,50',
    'klubkort product price 4 17 --from 2026-12-01',
  )
    .argument('<id>', 'the product', idArgument)
    .argument('<kroner>', 'the new price', kronerArgument)
    .option('--from <day>', 'from when on (default: now)', dayArgument)
    .option('--replace', 'also where another price from that day has been told')
    .action(async (id: number, price: Ore, { from, replace }: { from?: string; replace?: true }) => {
      const form = { price, ...(from !== undefined && { from }), ...(replace && { replace }) }
      const changed = await change(desk, `/products/${id}/price`, PriceCall, form, Product)
      if (changed.kind === 'refused' && changed.code === 'price_set') {
        const again = `klubkort product price ${id} ${amountCell(price)}${from ? ` --from ${from}` : ''} --replace`
        return desk.deliver({ ...changed, hint: `if it was wrong: ${again}` })
      }
      desk.deliver(
        told(changed, ({ id, name, later }) => {
          const when = later.some((told) => told.from === from) ? `from ${from} on` : 'now'
          return `Product ${id}, ${plain(name)}, costs ${amount(price)} kr ${when}.`
        }),
      )
    })

  command(
    product,
    'copy',
    'put all that one site sells on sale at another too, but for what has a name there',
    'klubkort product copy --from 1 --to 2',
  )
    .requiredOption('--from <id>', 'the site that sells it', idArgument)
    .requiredOption('--to <id>', 'the site that is to sell it too', idArgument)
    .action(async ({ from, to }: { from: number; to: number }) => {
      const done = await change(desk, '/products/copy', CopyCall, { from, to }, CopyAnswer)
      desk.deliver(
        told(done, ({ copied, skipped }) => {
          const put = `${counted(copied.length, 'product')} put on sale at site ${to}.`
          if (skipped.length === 0) return put
          return `${put}\nThere already, and left as they are: ${skipped.join(', ')}.`
        }),
      )
    })

  command(product, 'category', 'say what kind of thing a product is', 'klubkort product category 4 food')
    .argument('<id>', 'the product', idArgument)
    .addArgument(new Argument('<category>', 'the kind').choices(CATEGORIES))
    .action(async (id: number, category: string) => {
      const changed = await change(desk, `/products/${id}/category`, CategoryCall, { category }, Product)
      desk.deliver(told(changed, ({ id, name, category }) => `Product ${id}, ${plain(name)}, is ${category} now.`))
    })

  command(product, 'retire', 'take a product off sale', 'klubkort product retire 4')
    .argument('<id>', 'the product', idArgument)
    .action(async (id: number) => {
      const retired = await change(desk, `/products/${id}/retire`, z.strictObject({}), {}, Product)
      desk.deliver(told(retired, ({ id, name }) => `Product ${id}, ${plain(name)}, is off sale.`))
    })

  productSheetCommands(product, desk)
}

function dayArgument(text: string): string {
  if (!Day.safeParse(text).success) throw new InvalidArgumentError('A day is like 2026-12-01.')
  return text
}
